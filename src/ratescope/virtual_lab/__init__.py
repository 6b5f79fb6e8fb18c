"""Electrodes, micrographs and rate tests whose truth is known. All of it is simulated."""
