"""Poses of clips: data types, boxes, tracking, cropping and layout mapping."""
