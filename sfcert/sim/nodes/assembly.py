from sfcert.sim.kernel.azure import Azure


def install(azure: Azure) -> None: ...
