"""What is cited: one entry a work, by a key of first author and year."""

from typing import NamedTuple


class Citation(NamedTuple):
    """A published work."""

    authors: str
    year: int
    title: str
    venue: str

    def __str__(self) -> str:
        return f"{self.authors} {self.year}"


BIBLIOGRAPHY = {
    "burda2016": Citation("Burda et al.", 2016, "Importance weighted autoencoders", "ICLR"),
    "cover1965": Citation(
        "Cover",
        1965,
        "Geometrical and statistical properties of systems of linear inequalities with applications in pattern "
        "recognition",
        "IEEE Transactions on Electronic Computers",
    ),
    "gambosi2021": Citation("Gambosi", 2021, "Deep learning", "lectures, University of Rome Tor Vergata"),
    "hinton2006belief": Citation(
        "Hinton, Osindero & Teh", 2006, "A fast learning algorithm for deep belief nets", "Neural Computation"
    ),
    "hinton2006reducing": Citation(
        "Hinton & Salakhutdinov", 2006, "Reducing the dimensionality of data with neural networks", "Science"
    ),
    "hinton2010talk": Citation("Hinton", 2010, "Talk at Microsoft Research", "slides"),
    "lisa2015": Citation("LISA lab", 2015, "Deep learning tutorials", "Theano's documentation"),
    "makhzani2014": Citation("Makhzani & Frey", 2014, "k-sparse autoencoders", "ICLR"),
    "oord2017": Citation("van den Oord et al.", 2017, "Neural discrete representation learning", "NeurIPS"),
    "rezende2015": Citation("Rezende & Mohamed", 2015, "Variational inference with normalizing flows", "ICML"),
    "rifai2011": Citation(
        "Rifai et al.", 2011, "Contractive auto-encoders: explicit invariance during feature extraction", "ICML"
    ),
    "srivastava2014": Citation(
        "Srivastava et al.", 2014, "Dropout: a simple way to prevent neural networks from overfitting", "JMLR"
    ),
}
