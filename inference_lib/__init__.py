"""The old name of `pose_action.inference`, for one more release."""
