"""What a deployment costs: counted on the wire, multiplied by list prices, and spread over an hour by a simulation."""
