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
    "bai2018": Citation(
        "Bai et al.",
        2018,
        "An empirical evaluation of generic convolutional and recurrent networks for sequence modeling",
        "arXiv",
    ),
    "bresson2019": Citation(
        "Bresson & Laurent", 2019, "A two-step graph convolutional decoder for molecule generation", "arXiv"
    ),
    "burda2016": Citation("Burda et al.", 2016, "Importance weighted autoencoders", "ICLR"),
    "chollet2015": Citation("Chollet", 2015, "Simple MNIST convnet", "Keras' code examples"),
    "cosmo2020": Citation(
        "Cosmo et al.", 2020, "LIMP: Learning latent shape representations with metric preservation priors", "ECCV"
    ),
    "cover1965": Citation(
        "Cover",
        1965,
        "Geometrical and statistical properties of systems of linear inequalities with applications in pattern "
        "recognition",
        "IEEE Transactions on Electronic Computers",
    ),
    "fey2019": Citation(
        "Fey & Lenssen", 2019, "Fast graph representation learning with PyTorch Geometric", "ICLR workshop"
    ),
    "flax2020seq2seq": Citation("The Flax authors", 2020, "seq2seq addition", "Flax' examples"),
    "flax2020vae": Citation("The Flax authors", 2020, "VAE example", "Flax' examples"),
    "flax2020": Citation("The Flax authors", 2020, "MNIST example", "Flax' examples"),
    "gambosi2021": Citation("Gambosi", 2021, "Deep learning", "lectures, University of Rome Tor Vergata"),
    "gasteiger2019": Citation(
        "Gasteiger et al.", 2019, "Predict then propagate: graph neural networks meet personalized PageRank", "ICLR"
    ),
    "goodfellow2015": Citation("Goodfellow et al.", 2015, "Explaining and harnessing adversarial examples", "ICLR"),
    "grathwohl2019": Citation(
        "Grathwohl et al.",
        2019,
        "FFJORD: free-form continuous dynamics for scalable reversible generative models",
        "ICLR",
    ),
    "he2016": Citation("He et al.", 2016, "Deep residual learning for image recognition", "CVPR"),
    "hinton2006belief": Citation(
        "Hinton, Osindero & Teh", 2006, "A fast learning algorithm for deep belief nets", "Neural Computation"
    ),
    "hinton2006reducing": Citation(
        "Hinton & Salakhutdinov", 2006, "Reducing the dimensionality of data with neural networks", "Science"
    ),
    "hinton2010talk": Citation("Hinton", 2010, "Talk at Microsoft Research", "slides"),
    "ho2020": Citation("Ho et al.", 2020, "Denoising diffusion probabilistic models", "NeurIPS"),
    "karpathy2022": Citation("Karpathy", 2022, "lecun1989-repro", "repository"),
    "karpathy2022nanogpt": Citation("Karpathy", 2022, "nanoGPT", "repository"),
    "keller2023": Citation(
        "Keller et al.", 2023, "Traveling waves encode the recent past and enhance sequence learning", "arXiv"
    ),
    "kipf2016": Citation(
        "Kipf & Welling", 2016, "Variational graph auto-encoders", "NeurIPS workshop on Bayesian deep learning"
    ),
    "kipf2017": Citation(
        "Kipf & Welling", 2017, "Semi-supervised classification with graph convolutional networks", "ICLR"
    ),
    "kondratyuk2018": Citation("Kondratyuk", 2018, "One pixel attack", "repository"),
    "krizhevsky2012": Citation(
        "Krizhevsky et al.", 2012, "ImageNet classification with deep convolutional neural networks", "NeurIPS"
    ),
    "lecun1989": Citation(
        "LeCun et al.", 1989, "Backpropagation applied to handwritten zip code recognition", "Neural Computation"
    ),
    "lecun1998": Citation(
        "LeCun et al.", 1998, "Gradient-based learning applied to document recognition", "Proceedings of the IEEE"
    ),
    "lin2018": Citation(
        "Lin et al.", 2018, "PacGAN: the power of two samples in generative adversarial networks", "NeurIPS"
    ),
    "lisa2015": Citation("LISA lab", 2015, "Deep learning tutorials", "Theano's documentation"),
    "long2015": Citation("Long et al.", 2015, "Fully convolutional networks for semantic segmentation", "CVPR"),
    "makhzani2014": Citation("Makhzani & Frey", 2014, "k-sparse autoencoders", "ICLR"),
    "oord2017": Citation("van den Oord et al.", 2017, "Neural discrete representation learning", "NeurIPS"),
    "rezende2015": Citation("Rezende & Mohamed", 2015, "Variational inference with normalizing flows", "ICML"),
    "rifai2011": Citation(
        "Rifai et al.", 2011, "Contractive auto-encoders: explicit invariance during feature extraction", "ICML"
    ),
    "lippe2022": Citation("Lippe", 2022, "UvA deep learning tutorials", "University of Amsterdam"),
    "ronneberger2015": Citation(
        "Ronneberger et al.", 2015, "U-Net: convolutional networks for biomedical image segmentation", "MICCAI"
    ),
    "simonyan2015": Citation(
        "Simonyan & Zisserman", 2015, "Very deep convolutional networks for large-scale image recognition", "ICLR"
    ),
    "smerity2015": Citation(
        "Merity et al.", 2015, "Sequence to sequence learning for performing number addition", "Keras' code examples"
    ),
    "song2021": Citation("Song et al.", 2021, "Denoising diffusion implicit models", "ICLR"),
    "srivastava2014": Citation(
        "Srivastava et al.", 2014, "Dropout: a simple way to prevent neural networks from overfitting", "JMLR"
    ),
    "szegedy2015": Citation("Szegedy et al.", 2015, "Going deeper with convolutions", "CVPR"),
    "velickovic2018": Citation("Veličković et al.", 2018, "Graph attention networks", "ICLR"),
    "wang2019": Citation(
        "Wang et al.",
        2019,
        "Deep graph library: a graph-centric, highly-performant package for graph neural networks",
        "arXiv and repository",
    ),
    "wu2019": Citation("Wu et al.", 2019, "Simplifying graph convolutional networks", "ICML"),
    "zhu2003": Citation(
        "Zhu et al.", 2003, "Semi-supervised learning using Gaussian fields and harmonic functions", "ICML"
    ),
}
