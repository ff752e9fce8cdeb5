"""How often the discriminator is right, which losses do not say."""

from __future__ import annotations

import keras
import numpy as np

from facelib.data.batches import check_faces
from facelib.data.faceset import FaceSet
from facelib.data.labels import Labels


class DiscriminatorAccuracy(keras.callbacks.Callback):
    """Every few epochs, the share of real and of generated pictures that the discriminator takes for what they are.

    Seed 002 prints this every five epochs. Generated pictures are what `sample` draws: by the average of the generator
    where one is kept, which is a better one than the discriminator plays against.

    Args:
        faces: a `FaceSet` or uint8 images (n, size, size, 3) to draw real ones from.
        labels: (n, ...) for a conditional model; generated pictures are asked for the classes of the real ones.
        every: epochs between two summaries; the last epoch has one in any case.
        n: how many pictures of each kind.
        seed: which faces, and which z.
        verbose: print a line a summary.

    Attributes:
        summaries: epochs behind → (share of real, share of generated pictures that it judged right).
    """

    def __init__(
        self,
        faces: FaceSet | np.ndarray,
        labels: np.ndarray | Labels | None = None,
        *,
        every: int = 5,
        n: int = 100,
        seed: int = 0,
        verbose: bool = True,
    ):
        super().__init__()
        images = check_faces(faces)
        if every < 1 or not 1 <= n <= len(images):
            raise ValueError(
                f"every must be at least 1 and n lie between 1 and the {len(images)} faces, got {every} and {n}."
            )
        labels = labels.values if isinstance(labels, Labels) else labels
        if labels is not None and len(labels) != len(images):
            raise ValueError(f"labels must be one a face: got {len(labels)} labels for {len(images)} faces.")
        rows = np.sort(np.random.default_rng(seed).permutation(len(images))[:n])
        self.images, self.given = images[rows], {} if labels is None else {"labels": np.asarray(labels)[rows]}
        self.every, self.seed, self.verbose, self.summaries = every, seed, verbose, {}

    def on_train_begin(self, logs=None):
        if self.model.conditional != bool(self.given):
            raise ValueError(
                "labels are missing: this model is conditional, DiscriminatorAccuracy(faces, labels)."
                if self.model.conditional
                else "labels were given to DiscriminatorAccuracy, but this model is not conditional: leave them out."
            )
        self.model.judge(self.images, **self.given)  # what does not fit is refused before training
        self._first = True

    def on_epoch_begin(self, epoch, logs=None):
        if self._first and epoch == 0:
            self.summaries = {}  # another run's
        self._first = False

    def on_epoch_end(self, epoch, logs=None):
        done, given = epoch + 1, self.given
        if done % self.every and done != self.params["epochs"] and not self.model.stop_training:
            return
        generated = self.model.sample(len(self.images), seed=self.seed, **given)
        real = float((self.model.judge(self.images, **given) > 0).mean())
        fake = float((self.model.judge(generated, **given) < 0).mean())
        self.summaries[done] = (real, fake)
        if self.verbose:
            print(
                f"epoch {done}: the discriminator is right about {real:.0%} of real and {fake:.0%} of generated faces"
            )

    def get_state(self) -> dict[str, np.ndarray]:
        """For `Checkpoint`."""
        rows = [(epoch, *shares) for epoch, shares in self.summaries.items()]
        return {"summaries": np.array(rows, float).reshape(-1, 3)}

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        self.summaries = {int(epoch): (float(real), float(fake)) for epoch, real, fake in state["summaries"]}
