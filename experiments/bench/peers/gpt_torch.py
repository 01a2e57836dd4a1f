"""A small GPT as bare PyTorch loops, peer of the benchmark.

    python gpt_torch.py train | sample | sample-anew

A stand-alone program for the environment of requirements.txt: 4 blocks of width 128 with 4 heads, context 64, 65
symbols, no biases, the embedding tied. ``train`` takes steps of AdamW (fused) with clipping on batches of 12 windows of
noise; ``sample`` draws 8 texts of 300 characters with remembered keys and values, in windows that move by half a
context when they are full; ``sample-anew`` reads the whole window for every character. The last line of stdout is
JSON: windows or characters a second, the first ones apart, and MB at most above those after imports.
"""

import argparse
import json
import resource
import time

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gelu, scaled_dot_product_attention

SYMBOLS, CONTEXT, WIDTH, HEADS, DEPTH, BATCH = 65, 64, 128, 4, 4, 12
TEXTS, LENGTH = 8, 300
STEPS = 60


class Block(nn.Module):
    """Attention and a layer, each after a normalisation and added."""

    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH, bias=False) for _ in range(2))
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.output = nn.Linear(WIDTH, WIDTH, bias=False)
        self.first, self.second = nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, features: Tensor, memory: list) -> Tensor:
        """With a memory ``[keys, values]`` of what came before, which is added to; [] for nothing."""
        batch, places, _ = features.shape
        parts = self.query_key_value(self.norms[0](features)).split(WIDTH, dim=2)
        queries, keys, values = (part.view(batch, places, HEADS, -1).transpose(1, 2) for part in parts)
        if memory:
            keys, values = torch.cat([memory[0], keys], 2), torch.cat([memory[1], values], 2)
        memory[:] = [keys, values]
        mixed = scaled_dot_product_attention(queries, keys, values, is_causal=places > 1)
        features = features + self.output(mixed.transpose(1, 2).reshape(batch, places, WIDTH))
        return features + self.second(gelu(self.first(self.norms[1](features))))


class GPT(nn.Module):
    """As in nanoGPT."""

    def __init__(self):
        super().__init__()
        self.symbols, self.positions = nn.Embedding(SYMBOLS, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks, self.norm = nn.ModuleList(Block() for _ in range(DEPTH)), nn.LayerNorm(WIDTH, bias=False)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, text: Tensor, memories: list, start: int = 0) -> Tensor:
        """Logits of every place."""
        features = self.symbols(text) + self.positions(torch.arange(start, start + text.shape[1]))
        for block, memory in zip(self.blocks, memories):  # noqa: B905  the peers' Python may be old
            features = block(features, memory)
        return self.norm(features) @ self.symbols.weight.T


def empty() -> list:
    """A memory for each block."""
    return [[] for _ in range(DEPTH)]


def train() -> float:
    """Windows a second."""
    model = GPT()
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), fused=True)
    text = torch.randint(SYMBOLS, (STEPS + 10, BATCH, CONTEXT + 1))
    for number, window in enumerate(text):
        if number == 10:
            started = time.perf_counter()
        logits = model(window[:, :-1], empty())
        loss = cross_entropy(logits.view(-1, SYMBOLS), window[:, 1:].reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return STEPS * BATCH / (time.perf_counter() - started)


def texts(model: GPT, remember: bool) -> Tensor:
    """Eight texts."""
    text, start, memories = torch.zeros(TEXTS, 1, dtype=torch.long), 0, empty()
    while text.shape[1] <= LENGTH:
        place = text.shape[1] - 1
        if place - start == CONTEXT:
            start, memories = start + CONTEXT // 2, empty()
            if remember:
                model(text[:, start:place], memories)
        if remember:
            logits = model(text[:, place:], memories, place - start)[:, -1]
        else:
            logits = model(text[:, start:], empty())[:, -1]
        text = torch.cat([text, torch.multinomial(logits.softmax(1), 1)], dim=1)
    return text


def sample(remember: bool) -> float:
    """Characters a second."""
    model = GPT()
    with torch.no_grad():
        texts(model, remember)
        started = time.perf_counter()
        for _ in range(3):
            texts(model, remember)
    return 3 * TEXTS * LENGTH / (time.perf_counter() - started)


PROGRAMS = {"train": train, "sample": lambda: sample(True), "sample-anew": lambda: sample(False)}


def main() -> None:
    """Runs one program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program", choices=PROGRAMS)
    program = PROGRAMS[parser.parse_args().program]
    torch.manual_seed(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    per_second = program()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        json.dumps({"examples_per_second": per_second, "megabytes": grown / 1024, "threads": torch.get_num_threads()})
    )


if __name__ == "__main__":
    main()
