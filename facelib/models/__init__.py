"""One architecture a file; each class is a `keras.Model`, built on construction."""

from facelib.models.accordion import Accordion
from facelib.models.acgan import ACGAN
from facelib.models.attributes import AttributeClassifier
from facelib.models.classifier import Classifier
from facelib.models.conditional import ConditionalDCGAN
from facelib.models.cyclegan import CycleGAN
from facelib.models.dcgan import DCGAN
from facelib.models.infogan import InfoGAN
from facelib.models.latent_encoder import LatentEncoder
from facelib.models.two_n_gan import TwoNGAN
from facelib.models.vae import VAE

__all__ = [
    "ACGAN",
    "DCGAN",
    "VAE",
    "Accordion",
    "AttributeClassifier",
    "Classifier",
    "ConditionalDCGAN",
    "CycleGAN",
    "InfoGAN",
    "LatentEncoder",
    "TwoNGAN",
]
