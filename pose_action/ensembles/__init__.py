"""Ensembles: several models that are trained, fused, evaluated and used as one."""
