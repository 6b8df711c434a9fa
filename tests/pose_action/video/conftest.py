"""Fixtures that write and read videos."""

from mp4_files import av, read_mp4, write_timed_mp4  # noqa: F401
from video_files import cv2, write_frames, write_video  # noqa: F401
