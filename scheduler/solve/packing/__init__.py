"""Packing: classes of equal pods on whole nodes of given types, at the least cost, with a proof."""
