"""Tests of the policies, each in a world as small as its sentence."""
