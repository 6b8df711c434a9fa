"""What the pipeline raises when a user's data or names cannot be used."""


class SkeletonError(ValueError):
  """A joint layout that cannot be used; the message says what is wrong with it."""


class PoseDataError(ValueError):
  """Pose data that cannot be used; the message names the clip and the field."""


class PoseDatasetError(ValueError):
  """A data set that is missing, in the way, or not what was asked for."""
