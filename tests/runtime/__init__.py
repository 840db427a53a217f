"""The function in its own process under AWS's runtime client, as on Lambda."""
