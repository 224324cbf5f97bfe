"""Floor three: one :class:`~mmrec.features.table.FeatureTable` per modality."""
