"""Greedy layer-wise pre-training as phases, one stage after the other: each layer by itself, then two classifiers.

The parameters are those of the layers, ``"stack"``, each a Boltzmann machine or an autoencoder with tied weights, and
of two classifiers of one form, ``"pretrained"`` and ``"random"``. While a layer learns, the hidden layers of
``"pretrained"`` are the stack's; then the stack stays as it is. Hinton et al. 2006; Bengio et al. 2007.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Key

from experiments.objectives.contrastive_divergence import gibbs_chains, reconstruction_error
from experiments.objectives.observation import Observe
from losses.likelihoods import bernoulli_log_likelihood
from losses.sparsity import sigmoid_contraction
from models.deep_belief_net import stack_of, upward, with_hidden_layers
from models.rbm import RBM, contrastive_divergence, hidden_probabilities
from train.descent import gradient_norm, mean_loss
from train.task import LossFn, Params, Phase, State, Stream, Task, initial_state, task_of_phases

NETS = ("pretrained", "random")
"""The two classifiers, by the names of their parameters."""


def in_stages(phases: Sequence[Phase], length: int) -> Phase:
    """The phase that is ``phases[i]`` from step i · length on, and the last one to the end.

    All gradients must be trees of one form, and all metrics of the same names.
    """

    def stage(state: State):
        return jnp.minimum(state.step // length, len(phases) - 1)

    def gradient(state: State, batch, keys):
        return jax.lax.switch(stage(state), [phase.gradient for phase in phases], state, batch, keys)

    def update(state: State, gradient) -> State:
        return jax.lax.switch(stage(state), [phase.update for phase in phases], state, gradient)

    return Phase(gradient, update, gradient_norm)


LayerGradient = Callable[[RBM, Float[Array, "batch visible"], Key[Array, " batch"]], tuple[RBM, Float[Array, ""]]]
"""``(parameters, visible, keys)`` → the gradient in one layer's parameters, and a loss to look at."""


def layer_phase(
    layer: int, layer_gradient: LayerGradient, optimizer: optax.GradientTransformation, *, observe: Observe
) -> Phase:
    """One layer's updates on the mean activations of the layer below."""

    def gradient(state: State, batch, keys):
        keys = jax.vmap(jax.random.split)(keys)
        images = jax.vmap(observe)(keys[:, 0], batch["image"]).reshape(len(keys), -1)
        stack = state.params["stack"]
        visible = jax.vmap(partial(upward, stack[:layer]))(images)
        of_layer, loss = layer_gradient(stack[layer], visible, keys[:, 1])
        zeros = jax.tree.map(jnp.zeros_like, state.params)
        return zeros | {"stack": _replaced(zeros["stack"], layer, of_layer)}, {"stage_loss": loss}

    def update(state: State, gradient) -> State:
        params, opt_state = state.params, state.opt_state
        before = params["stack"][layer]
        updates, moved = optimizer.update(gradient["stack"][layer], opt_state["stack"][layer], before)
        stack = _replaced(params["stack"], layer, optax.apply_updates(before, updates))
        pretrained = with_hidden_layers(params["pretrained"], stack)
        return state._replace(
            params=params | {"stack": stack, "pretrained": pretrained},
            opt_state=opt_state | {"stack": _replaced(opt_state["stack"], layer, moved)},
        )

    return Phase(gradient, update)


def contrastive_divergence_gradient(gibbs_steps: int) -> LayerGradient:
    """CD-k of a layer as a Boltzmann machine. Hinton et al. 2006, section 4."""

    def gradient(rbm: RBM, visible: Float[Array, "batch visible"], keys: Key[Array, " batch"]):
        negative = gibbs_chains(keys, rbm, visible, steps=gibbs_steps)
        error = jax.vmap(reconstruction_error, (None, 0))(rbm, visible)
        return contrastive_divergence(rbm, visible, negative), error.mean()

    return gradient


def reconstruction_gradient(corrupt: Observe, contraction: float) -> LayerGradient:
    """Gradient descent of a layer as an autoencoder whose decoder has the encoder's weights, transposed.

        x̂ = σ(W h + a),   h = σ(Wᵀ x̃ + b);   −log p(x | x̂) + contraction · ‖∂h/∂x̃‖²_F

    Vincent et al. 2010, sections 2 and 3; Rifai et al. 2011, equation 7.
    """

    def loss(layer: RBM, visible: Float[Array, " visible"], key: Key[Array, ""]):
        hidden = hidden_probabilities(layer, corrupt(key, visible))
        logits = layer.weights @ hidden + layer.visible_bias
        penalty = contraction * sigmoid_contraction(hidden, layer.weights)
        return penalty - bernoulli_log_likelihood(visible, logits)

    def mean(layer: RBM, visible: Float[Array, "batch visible"], keys: Key[Array, " batch"]):
        return jnp.mean(jax.vmap(loss, (None, 0, 0))(layer, visible, keys))

    def gradient(layer: RBM, visible: Float[Array, "batch visible"], keys: Key[Array, " batch"]):
        loss, of_layer = jax.value_and_grad(mean)(layer, visible, keys)
        return of_layer, loss

    return gradient


def fine_tuning_phase(loss_fn: LossFn, optimizer: optax.GradientTransformation) -> Phase:
    """Backpropagation through both classifiers, each for itself, on the same examples."""

    def gradient(state: State, batch, keys):
        of_net = jax.grad(mean_loss(loss_fn), has_aux=True)
        gradients, metrics = zip(*(of_net(state.params[name], batch, keys) for name in NETS), strict=True)
        still = {"stack": jax.tree.map(jnp.zeros_like, state.params["stack"])}
        return still | dict(zip(NETS, gradients, strict=True)), {"stage_loss": metrics[0]["loss"]}

    def update(state: State, gradient) -> State:
        for name in NETS:
            updates, moved = optimizer.update(gradient[name], state.opt_state[name], state.params[name])
            net = optax.apply_updates(state.params[name], updates)
            state = state._replace(
                params=state.params | {name: net},
                opt_state=state.opt_state | {name: moved},
            )
        return state

    return Phase(gradient, update)


def layerwise_pretraining(
    init_network: Callable[[Key[Array, ""]], Params],
    visible_bias: Float[Array, " visible"],
    layers: Sequence[Phase],
    loss_fn: LossFn,
    *,
    pretrain_steps: int,
    layer_optimizer: optax.GradientTransformation,
    optimizer: optax.GradientTransformation,
) -> Task:
    """``pretrain_steps`` updates of each of the ``layers``, from the image upwards, and fine-tuning after them.

    Both classifiers and the layers start with the weights of ``init_network(key)``, an ``MLPClassifier``.
    """

    def init(key: Key[Array, ""]) -> State:
        network = init_network(jax.random.fold_in(key, Stream.INIT))
        stack = stack_of(network, visible_bias)
        opt_state = {"stack": tuple(map(layer_optimizer.init, stack)), **dict.fromkeys(NETS, optimizer.init(network))}
        return initial_state(key, {"stack": stack, **dict.fromkeys(NETS, network)}, opt_state)

    return task_of_phases(init, [in_stages([*layers, fine_tuning_phase(loss_fn, optimizer)], pretrain_steps)])


def _replaced(items: tuple, place: int, item) -> tuple:
    return (*items[:place], item, *items[place + 1 :])
