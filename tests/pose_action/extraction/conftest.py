"""Fixtures that write videos and folders of frames."""

from video_files import (  # noqa: F401
  cv2,
  write_frames,
  write_torn_video,
  write_video,
)
