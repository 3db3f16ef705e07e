"""The only package that knows AWS or the network. Adapters implement `ports`; nothing here makes protocol decisions."""
