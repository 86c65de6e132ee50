"""Computes gradient landscapes. Depends on torch, but not on files, caches or pages."""

from gradviz.landscape.activity import unit_activity
from gradviz.landscape.field import GradientField, ZeroReason, zero_message
from gradviz.landscape.gradients import centre_gradients
from gradviz.landscape.landscape import Minibatch, gradient_landscape
from gradviz.landscape.many import minibatch_landscapes, share_layers_below
from gradviz.landscape.models import network_of
from gradviz.landscape.network import Network, check_spec, parameter_shapes
from gradviz.landscape.pairs import PairSuggestion, find_pairs
from gradviz.landscape.parameters import ParameterRef, default_pair
from gradviz.landscape.request import ENGINE_VERSION, MAX_POINTS, LandscapeRequest, LandscapeSpec

__all__ = [
    "ENGINE_VERSION",
    "MAX_POINTS",
    "GradientField",
    "LandscapeRequest",
    "LandscapeSpec",
    "Minibatch",
    "Network",
    "PairSuggestion",
    "ParameterRef",
    "ZeroReason",
    "centre_gradients",
    "check_spec",
    "default_pair",
    "find_pairs",
    "gradient_landscape",
    "minibatch_landscapes",
    "network_of",
    "parameter_shapes",
    "share_layers_below",
    "unit_activity",
    "zero_message",
]
