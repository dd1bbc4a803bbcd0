"""A stand-in for Amazon Rekognition's DetectModerationLabels, driven by moderation cards.

It knows nothing about pictures: a moderation card gets the labels it was drawn with, any other picture none.
"""

from embedded_aws.rekognition.cards import draw_card, read_card
from embedded_aws.rekognition.encoding import CardError

__all__ = ["CardError", "draw_card", "read_card"]
