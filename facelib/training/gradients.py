"""Gradients under each backend that can train. The only file of the engine that knows which backend runs.

TensorFlow records what a stateful function does on a tape. JAX differentiates pure functions only, so the same stateful
function runs inside a `keras.StatelessScope`, which hands it the variables' values and catches what it assigns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras

from facelib.backend import jit_compile

BACKENDS = ("tensorflow", "jax")


def check_backend() -> None:
    """Raise a RuntimeError unless this backend can train adversarially."""
    if keras.backend.backend() not in BACKENDS:
        raise RuntimeError(
            f"adversarial training runs on {' and '.join(BACKENDS)}, not on {keras.backend.backend()}: set the "
            "environment variable KERAS_BACKEND before Keras is imported."
        )


def value_and_gradients(loss: Callable, variables: Sequence[keras.Variable], state: Sequence[keras.Variable]) -> tuple:
    """Call `loss()` → (total, parts) and differentiate total.

    Args:
        loss: a function of no argument that returns a scalar and anything else worth returning. It may update state.
        variables: what to differentiate by.
        state: every variable that loss reads or updates, `variables` included.

    Returns:
        parts, and one gradient a variable.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            total, parts = loss()
        # Zeros where nothing depends on a weight, as JAX has it: not every head says something of real images.
        zero = tf.UnconnectedGradients.ZERO
        gradients = tape.gradient(total, [variable.value for variable in variables], unconnected_gradients=zero)
        # An embedding's gradient comes as rows, the same row once a use. Keras' optimizers take it as it is: Adam and
        # Adamax would work out their moments for each of the repetitions.
        return parts, [tf.convert_to_tensor(gradient) for gradient in gradients]

    import jax

    players = {id(variable) for variable in variables}
    others = [variable for variable in state if id(variable) not in players]
    fixed = [(variable, variable.value) for variable in others]

    def pure(values):
        with keras.StatelessScope([*zip(variables, values, strict=True), *fixed]) as scope:
            total, parts = loss()
        return total, (parts, [scope.get_current_value(variable) for variable in others])

    (_, (parts, after)), gradients = jax.value_and_grad(pure, has_aux=True)([v.value for v in variables])
    for (variable, before), value in zip(fixed, after, strict=True):
        if value is not before:  # BatchNorm's statistics, seed generators
            variable.assign(value)
    return parts, gradients


def input_gradient(function: Callable, inputs):
    """Gradient of `function(inputs)`, a scalar, by its inputs; can itself be differentiated. No state may change."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            value = function(inputs)
        return tape.gradient(value, inputs)

    import jax

    return jax.grad(function)(inputs)


def compiled(step: Callable, state: Sequence[keras.Variable]) -> Callable:
    """A stateful step, compiled. Other variables than `state` that it reads must not change afterwards.

    Args:
        step: a function of tensors that returns tensors, and updates state.
        state: every variable that it updates.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(step, jit_compile=bool(jit_compile()), autograph=False)

    import jax

    pure = jax.jit(lambda values, *arguments: stateless(step, [state], [values], *arguments))

    def call(*arguments):
        result, (after,) = pure([variable.value for variable in state], *arguments)
        for variable, value in zip(state, after, strict=True):
            variable.assign(value)
        return result

    return call


def stateless(step: Callable, groups: Sequence[Sequence[keras.Variable]], values: Sequence[Sequence], *arguments):
    """Run a stateful step as the pure function that JAX compiles: values before → result, values after, by group."""
    pairs = [pair for group in zip(groups, values, strict=True) for pair in zip(*group, strict=True)]
    with keras.StatelessScope(pairs) as scope:
        result = step(*arguments)
    return result, tuple([scope.get_current_value(variable) for variable in group] for group in groups)
