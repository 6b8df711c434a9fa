"""Exceptions for unusable data and unknown names."""


class SkeletonError(ValueError):
  """An invalid or unknown joint layout; the message says what is wrong."""


class PoseDataError(ValueError):
  """Invalid pose data; the message names the clip and the field."""


class UnnamedJointsError(PoseDataError):
  """Neither the user nor the files say which skeleton the poses have."""


class PoseDatasetError(ValueError):
  """A data set that is missing, already exists, or differs from the request."""
