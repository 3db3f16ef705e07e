"""The only room that knows AWS or the network. Adapters implement `ports`; nothing here decides."""
