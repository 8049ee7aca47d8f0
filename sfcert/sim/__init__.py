"""The embedded Azure: a second, independent reading of the sources, on which real clients run the whole main job.

Stands apart from the floors. It may import `sfcert.arm` (a template language is no opinion about Service Fabric) and
nothing else of sfcert; only `sfcert.cli` may import it, lazily.
"""
