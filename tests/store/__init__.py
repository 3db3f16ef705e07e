"""The store's verbs on moto: each is one conditional write, whatever fails."""
