"""Losses, one per module. The parameters of a loss name the quantities and networks that it reads."""
