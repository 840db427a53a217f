"""Those who do the work outside, behind the Fulfiller port."""
