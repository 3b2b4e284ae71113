"""`python -m latentclust`: the command line."""

from latentclust.cli.main import main

main()
