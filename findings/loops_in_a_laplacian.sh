#!/usr/bin/env bash
# A self-loop counts 0, 1 or 2 in a normalised Laplacian: I - L of A + I is a graph network's matrix in networkx only.
#
# Versions:   scipy 1.17.1, networkx 3.6.1, igraph 1.0.0, numpy 2.4.6. (Of PyTorch Geometric 2.8.1 get_laplacian is as
#             scipy, gcn_norm as networkx.)
# Setting:    the graph network of Kipf & Welling 2017 averages by D^-1/2 (A + I) D^-1/2 with the degrees D of A + I,
#             that is I - L with the symmetric normalised Laplacian L of the graph with a loop at each node: of the
#             karate club, and of a ring of 20 nodes, on which heat begins in one and spreads by 200 averages.
# Usual guess: the libraries' normalised Laplacians of one graph are one matrix.
# Behaviour:  scipy leaves the diagonal out, so adding the identity changes nothing: the least eigenvalue is -0.71, not
#             -0.42, and on a ring, where it is -1, heat never settles: it jumps between even and odd nodes. igraph
#             counts a loop twice. networkx counts it once here, although its `degree` counts it twice.
# Seen:       see EXPECTED
# Exits with 1 where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  scipy==1.17.1 networkx==3.6.1 igraph==1.0.0 numpy==2.4.6

cat > "$folder/loops.py" <<'PYTHON'
import igraph
import networkx as nx
import numpy as np
from scipy.sparse.csgraph import laplacian


def by_scipy(graph):
    return laplacian(nx.to_numpy_array(graph, nodelist=range(len(graph))), normed=True)


def by_networkx(graph):
    return nx.normalized_laplacian_matrix(graph, nodelist=range(len(graph))).toarray()


def by_igraph(graph):
    return np.asarray(igraph.Graph(len(graph), list(graph.edges())).laplacian(normalized="symmetric"))


def averaging(graph, loops):
    adjacency = nx.to_numpy_array(graph, nodelist=range(len(graph)), weight=None) + loops * np.eye(len(graph))
    return adjacency / np.sqrt(np.outer(adjacency.sum(axis=0), adjacency.sum(axis=0)))


for name, plain in (("karate club", nx.Graph(nx.karate_club_graph().edges())), ("ring", nx.cycle_graph(20))):
    looped = nx.Graph([*plain.edges(), *((node, node) for node in plain)])
    print(f"{name}: degree of node 0 {plain.degree(0)}, with its loop {looped.degree(0)} by networkx")
    for laplacian_of in (by_scipy, by_networkx, by_igraph):
        matrix = np.eye(len(plain)) - laplacian_of(looped)
        counted = [loops for loops in range(3) if np.allclose(matrix, averaging(plain, loops))]
        values = np.linalg.eigvalsh(matrix).round(2) + 0.0
        heat = np.linalg.matrix_power(matrix, 200)[0]
        shown = f"eigenvalues from {values[0]:.2f}, second {values[-2]:.2f}"
        print(f"  {laplacian_of.__name__}: loops count {counted}, {shown}; heat {heat.min():.2f} to {heat.max():.2f}")
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/loops.py" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
karate club: degree of node 0 16, with its loop 18 by networkx
  by_scipy: loops count [0], eigenvalues from -0.71, second 0.87; heat 0.03 to 0.11
  by_networkx: loops count [1], eigenvalues from -0.42, second 0.90; heat 0.03 to 0.09
  by_igraph: loops count [2], eigenvalues from -0.25, second 0.91; heat 0.03 to 0.08
ring: degree of node 0 2, with its loop 4 by networkx
  by_scipy: loops count [0], eigenvalues from -1.00, second 0.95; heat 0.00 to 0.10
  by_networkx: loops count [1], eigenvalues from -0.33, second 0.97; heat 0.05 to 0.05
  by_igraph: loops count [2], eigenvalues from 0.00, second 0.98; heat 0.05 to 0.05
EXPECTED
