"""The network of section 2.5: pixels in, a rate curve out, with every scaling kept inside the module.

    crops (n, 3, 224, 672) ─ mean over r × r ─ standardise ─ block ─ block ─ block ─ activation (n, 128, 56, 168)
    ─ global average pooling ─ features (n, 128) ─ four hidden layers of 64 ─ linear (─ exp) ─ capacities (n, rates)

254,085 parameters: 232,512 before the pooling and 21,573 after it (decision 0003). Nothing is computed in place, so
that attributions can hook every layer.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ratescope.settings import NetworkSettings

LARGEST_LOGARITHM = 8.0  # e⁸ = 2981 Ah/kg or Ah/L: more than any electrode has, and a finite number


class RateNetwork(nn.Module):
    """A VGG-like feature extractor and a regressor of five layers (section 2.5).

    Parameters
    ----------
    settings : NetworkSettings
    rates : int
        How many C-rates a curve has.
    facts : int
        How many scalar inputs (thickness, loading, …) join the features at the regressor.

    Attributes
    ----------
    input_mean, input_scale : tensor, shape (3,)
        Standardise pixel values 0…255: mean and standard deviation of the training crops, channel by channel.
    output_offset, output_scale : tensor, shape (rates,)
        Turn what the last layer says into the capacity's unit: mean and spread of the training curves; or, where the
        output is exponential, into the capacity's logarithm: mean and spread of theirs.
    fact_mean, fact_scale : tensor, shape (facts,)

    Examples
    --------
    >>> network = RateNetwork(NetworkSettings()).eval()
    >>> sum(parameter.numel() for parameter in network.parameters())
    254085
    >>> network(torch.zeros(1, 3, 224, 672)).shape
    torch.Size([1, 5])
    """

    input_mean: Tensor
    input_scale: Tensor
    output_offset: Tensor
    output_scale: Tensor
    fact_mean: Tensor
    fact_scale: Tensor

    def __init__(self, settings: NetworkSettings, *, rates: int = 5, facts: int = 0) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("input_mean", torch.full((3,), 127.5))
        self.register_buffer("input_scale", torch.full((3,), 127.5))
        self.register_buffer("output_offset", torch.zeros(rates))
        self.register_buffer("output_scale", torch.ones(rates))
        self.register_buffer("fact_mean", torch.zeros(facts))
        self.register_buffer("fact_scale", torch.ones(facts))
        self.extractor = _extractor(settings)
        self.regressor = _regressor(settings, settings.filters[-1] + facts, rates)
        self.apply(initialise)
        # The layout in which CPUs convolve fastest; torch's own stubs do not know the argument.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, crops: Tensor, facts: Tensor | None = None) -> Tensor:
        """Capacities (n, rates) from pixel values 0…255, float (n, 3, rows, columns), and facts (n, facts)."""
        return self.head(self.pool(self.activation(crops)), facts)

    def activation(self, crops: Tensor) -> Tensor:
        """The last convolution's activation as it enters the pooling, (n, 128, rows / 4r, columns / 4r)."""
        reduction = self.settings.input_reduction
        return self.activation_of_reduced(crops if reduction == 1 else functional.avg_pool2d(crops, reduction))

    def activation_of_reduced(self, reduced: Tensor) -> Tensor:
        """`activation` from crops that were averaged r × r before, (n, 3, rows / r, columns / r)."""
        activation: Tensor = self.extractor(self.standardise(reduced))
        return activation

    def standardise(self, crops: Tensor) -> Tensor:
        """Pixel values in spreads of the training crops around their mean, channel by channel."""
        return (crops - self.input_mean[:, None, None]) / self.input_scale[:, None, None]

    def pool(self, activation: Tensor) -> Tensor:
        """The global average (n, 128), in float32 or better also where the activation is bfloat16."""
        if activation.requires_grad:
            activation.register_hook(_in_channels_last)  # type: ignore[no-untyped-call]
        return activation.mean(dim=(2, 3), dtype=torch.promote_types(activation.dtype, torch.float32))

    def head(self, features: Tensor, facts: Tensor | None = None) -> Tensor:
        """Capacities (n, rates) from features (n, 128) and facts (n, facts)."""
        if facts is not None:
            features = torch.cat([features, (facts - self.fact_mean) / self.fact_scale], dim=1)
        said: Tensor = self.output_offset + self.output_scale * self.regressor(features)
        return said if self.settings.output == "linear" else said.clamp(max=LARGEST_LOGARITHM).exp()


def _in_channels_last(gradient: Tensor) -> Tensor:
    """The same gradient, written out: a mean hands back one value seen many times, which batch norm reads slowly."""
    return gradient.contiguous(memory_format=torch.channels_last)


def _extractor(settings: NetworkSettings) -> nn.Sequential:
    """Blocks of two convolutions; max-pooling between the blocks, the global average after the last."""
    layers: list[nn.Module] = []
    for index, (before, after) in enumerate(pairwise((3, *settings.filters))):
        if index > 0 and index % 2 == 0:
            layers.append(nn.MaxPool2d(2))
        layers += [
            nn.Conv2d(before, after, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.BatchNorm2d(after, settings.batch_norm_epsilon, settings.batch_norm_momentum),
        ]
    return nn.Sequential(*layers)


def _regressor(settings: NetworkSettings, features: int, rates: int) -> nn.Sequential:
    """Hidden layers with leaky ReLU, batch norm and dropout between them; a linear output."""
    layers: list[nn.Module] = []
    for before, after in pairwise((features, *settings.hidden)):
        layers += [
            nn.Linear(before, after),
            nn.LeakyReLU(settings.leaky_slope),
            nn.BatchNorm1d(after, settings.batch_norm_epsilon, settings.batch_norm_momentum),
            nn.Dropout(settings.dropout),
        ]
    return nn.Sequential(*layers, nn.Linear((features, *settings.hidden)[-1], rates))


def initialise(module: nn.Module) -> None:
    """Glorot uniform and zero bias: silent in the paper; Keras' default (decision 0007)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
