"""Frames and labels on disk."""
