"""How a provider is asked, key by key: files of a team's own, played, and a broker that reads them."""
