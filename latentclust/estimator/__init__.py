"""Estimators in the form of scikit-learn, which cluster what is in memory."""
