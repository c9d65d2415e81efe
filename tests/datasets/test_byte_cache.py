from __future__ import annotations

from graspseg.datasets.byte_cache import ByteCache


def test_what_was_used_last_is_kept_as_long_as_it_fits() -> None:
    made: list[int] = []
    cache: ByteCache[bytes] = ByteCache(10, len)

    def get(size: int) -> bytes:
        return cache.get(size, lambda: made.append(size) or bytes(size))

    for size in (4, 5, 4, 3, 4):
        assert len(get(size)) == size
    assert made == [4, 5, 3] and cache.bytes == 7  # 5 was not used for longest
    get(50)
    assert len(cache) == 1 and cache.bytes == 50  # the last one stays however large it is
    get(4)
    assert made == [4, 5, 3, 50, 4] and cache.bytes == 4
