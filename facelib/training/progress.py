"""Progress that can be printed in a book: one line an epoch, no times."""

from __future__ import annotations

import keras


class EpochLines(keras.callbacks.Callback):
    """Print the losses after every epoch. Unlike Keras' own lines these are the same in every run with equal seeds."""

    def on_epoch_end(self, epoch, logs=None):
        values = "  ".join(f"{name} {value:.4g}" for name, value in (logs or {}).items())
        print(f"epoch {epoch + 1:>{len(str(self.params['epochs']))}}/{self.params['epochs']}  {values}")
