"""How the tables came about, one step per file; run at start by `cds_service.store.migrate`."""
