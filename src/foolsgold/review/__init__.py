"""The review desk: a person decides borderline pairs, and every decision is kept."""
