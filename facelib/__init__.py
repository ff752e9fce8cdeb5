"""facelib: generative models of faces, small enough to read.

Importing the package is instant. Keras loads when a model is asked for, MTCNN when a photo is cropped:

>>> import facelib
>>> facelib.__version__
'0.1.0'
"""

__version__ = "0.1.0"


def doctor():
    """What is installed, where things lie, and what is missing for which chapter; print it. See `facelib.checkup`."""
    from facelib import checkup

    return checkup.doctor()
