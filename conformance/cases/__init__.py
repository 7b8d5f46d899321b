"""The cases, by family: importing this package registers them all, in the order in which they are listed."""

from . import (  # noqa: F401
    activations,
    backend,
    callbacks,
    configs,
    errors,
    layers_core,
    layers_spatial,
    losses,
    metrics,
    models,
    names,
    own_functions,
    parts,
    trajectories,
    trajectories_losses,
    trajectories_optimizers,
    trajectories_parts,
    trajectories_random,
    verbs,
)
