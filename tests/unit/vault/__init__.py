"""What may be kept, opened and handed out: pure decisions over records."""
