"""Action units from a picture tower's feature map; their relations are a graph with learned edge features.

The idea of edges with several learned dimensions between every pair of AUs is ME-GraphAU's (Luo et al., IJCAI 2022);
this is a small design of our own: one attention query an AU finds its place on the face, edges are made from both ends,
and what comes over an edge is gated channel by channel.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AUHead(nn.Module):
    """Presence logits of A action units.

    Args:
        channels: of the feature map.
        context: length of the pooled vector of the whole face.
        units: A.
        width: of a node.
        edge: dimensions of an edge's feature; 0 leaves the graph out (each AU for itself).
        rounds: of message passing.
    """

    def __init__(
        self, channels: int, context: int, units: int, *, width: int = 64, edge: int = 8, rounds: int = 2
    ) -> None:
        super().__init__()
        self.values = nn.Linear(channels, width)
        self.keys = nn.Linear(channels, width)
        self.context = nn.Linear(context, width)
        self.queries = nn.Parameter(torch.randn(units, width) * width**-0.5)
        self.names = nn.Parameter(torch.randn(units, width) * 0.02)
        self.norm = nn.LayerNorm(width)
        self.relations = nn.ModuleList(_Relations(width, edge) for _ in range(rounds if edge else 0))
        self.weight = nn.Parameter(torch.randn(units, width) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, feature_map: Tensor, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """[B, P, C] patches and [B, context] -> logits [B, A], and where each AU was sought [B, A, P]."""
        scores = torch.einsum("aw,bpw->bap", self.queries, self.keys(feature_map))
        attention = (scores * self.queries.shape[1] ** -0.5).softmax(-1)
        nodes = attention @ self.values(feature_map) + self.context(pooled).unsqueeze(1) + self.names
        nodes = self.norm(nodes)
        for relations in self.relations:
            nodes = relations(nodes)
        return torch.einsum("baw,aw->ba", nodes, self.weight) + self.bias, attention


class _Relations(nn.Module):
    """One round of messages between all pairs of nodes."""

    def __init__(self, width: int, edge: int) -> None:
        super().__init__()
        self.source = nn.Linear(width, edge)
        self.target = nn.Linear(width, edge)
        self.attention = nn.Linear(edge, 1)
        self.gate = nn.Linear(edge, width)
        self.message = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, nodes: Tensor) -> Tensor:
        """[B, A, W] -> [B, A, W]; the gated sum over neighbours is taken edge dimension by edge dimension."""
        edges = torch.relu(self.target(nodes).unsqueeze(2) + self.source(nodes).unsqueeze(1))  # [B, A, A, E]
        weights = self.attention(edges).squeeze(-1).softmax(-1)  # [B, A, A]
        messages = self.message(nodes)
        plain = weights @ messages
        # sum_j w_ij gate(e_ij) * m_j with a linear gate needs no [A, A, W] tensor.
        mixed = torch.einsum("bij,bije,bjw->biew", weights, edges, messages)
        gated = torch.einsum("biew,we->biw", mixed, self.gate.weight) + plain * self.gate.bias
        updated: Tensor = self.norm(nodes + torch.relu(gated))
        return updated
