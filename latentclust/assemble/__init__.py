"""Recipe and registry to an experiment: parts resolved, quantities bound into plans, networks built."""
