"""Work that outlives its request. A schedule runs it; each job can run twice, late, or in another order."""
