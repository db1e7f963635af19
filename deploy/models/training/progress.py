"""What both trainings share: the schedule, averaged weights, checkpoints that a later start goes on from."""

import copy
import math
import os
import sys
import time

import torch


class Training:
    """Counts steps, sets the learning rate (warm-up, then a cosine to nothing) and keeps checkpoints."""

    def __init__(self, name, model, optimizer, folder, steps, rate, extra=()):
        self.name, self.model, self.optimizer = name, model, optimizer
        self.file, self.steps, self.rate, self.extra = folder / f"{name}.pt", steps, rate, extra
        self.average = copy.deepcopy(model).eval()
        self.step, self.seconds = 0, 0.0
        if self.file.exists():
            self._load()
        self.begun, self.first = time.time(), self.step
        self.shown = self.saved = self.begun

    def _load(self):
        state = torch.load(self.file, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        for module, values in zip(self.extra, state["extra"]):
            module.load_state_dict(values)
        self.step, self.seconds = state["step"], state["seconds"]
        print(f"{self.name}: going on from step {self.step}", file=sys.stderr, flush=True)

    def save(self):
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "extra": [e.state_dict() for e in self.extra],
            "step": self.step,
            "seconds": self.seconds + time.time() - self.begun,
        }
        whole = self.file.with_suffix(".part")
        torch.save(state, whole)
        os.replace(whole, self.file)
        self.saved = time.time()

    def remaining(self):
        """Yields the numbers of the steps still to do; sets the rate before each, averages and saves after."""
        while self.step < self.steps:
            warm = min(1, (self.step + 1) / 200)
            rate = self.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.step / self.steps)))
            for group in self.optimizer.param_groups:
                group["lr"] = rate * group.get("factor", 1)
            yield self.step
            self.step += 1
            self._average()
            if time.time() - self.saved > 120:
                self.save()
        self.save()

    def _average(self):
        keep = min(0.998, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mine, theirs in zip(self.average.state_dict().values(), self.model.state_dict().values()):
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs, 1 - keep)
                else:
                    mine.copy_(theirs)

    def show(self, text, every=30):
        if time.time() - self.shown > every:
            left = (time.time() - self.begun) / max(1, self.step - self.first) * (self.steps - self.step)
            print(f"{self.name}: step {self.step} of {self.steps}, {left / 60:.1f} min left, {text}", file=sys.stderr, flush=True)
            self.shown = time.time()
