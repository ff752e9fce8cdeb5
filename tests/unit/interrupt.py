"""A run that ends before it should."""

import shutil

import keras


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C, or a disconnect, in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.now = epoch, -1

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch:
            raise KeyboardInterrupt


class CopyAfter(keras.callbacks.Callback):
    """Keep what a run that ends after some epochs would have left: the file of a checkpoint, which comes before."""

    def __init__(self, epochs, path, copy):
        super().__init__()
        self.epochs, self.path, self.copy = epochs, path, copy

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.epochs:
            shutil.copyfile(self.path, self.copy)
