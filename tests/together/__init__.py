"""Operations at once give what some order of them gives: the kit, the known faults, and pairs of a list."""
