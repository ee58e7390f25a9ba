"""Look-alikes: is a photograph the product it is sold as, and do fakes teach to tell?"""

from doppelcart.pipelines.lookalikes.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 4
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
