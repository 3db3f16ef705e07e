"""Races over real HTTP: two broker processes on one store that is a third process, so that no lock inside one helps."""
