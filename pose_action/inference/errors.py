"""The error of predictions."""


class PredictorError(ValueError):
  """The workdir cannot predict, or its model cannot read the input."""
