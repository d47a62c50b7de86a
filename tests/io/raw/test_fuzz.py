import numba
import numpy as np
import pytest
from fuzz import NAMES, case
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_encoders import DAT_HEADER, es_header, evt3_words, raw_header

from evcam.errors import FormatError, InputError
from evcam.io import open_recording

pytestmark = pytest.mark.kernels
CASES = 25 if numba.config.DISABLE_JIT else 200  # uncompiled kernels check the bounds of arrays as well


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_give_their_events_with_a_warning_or_one_clear_error(tmp_path, name):
    outcomes = [case(name, seed, tmp_path) for seed in range(CASES)]
    wrong = [f"{seed}: {o.kind}: {o.detail}" for seed, o in enumerate(outcomes) if o.kind in ("silently wrong", "no clear error")]
    assert wrong == []
    assert {outcome.kind for outcome in outcomes} >= {"as written", "refused"}


WHOLE_LINES = ("% evt 3.0", "% evt 2.1", "% evt", "% format EVT3;width=;height=9", "% format EVT21;endianness=", "% geometry 5x",
               "% geometry", "% geometry 640x480", "% t0", "% t0 -5", "% Version 2", "% Width 9999999999", "% end", "%")
KEYWORDS = ("evt", "format", "geometry", "width", "height", "Version", "Width", "Height", "t0", "plugin_name")
LINES = st.lists(st.one_of(
    st.sampled_from(WHOLE_LINES), st.text(max_size=60),
    st.tuples(st.sampled_from(KEYWORDS), st.text(max_size=30)).map(lambda pair: f"% {pair[0]} {pair[1]}"),
), max_size=8)
PAYLOAD = np.array(evt3_words([(k * 50, k, k, True) for k in range(100)]), "<u2").tobytes()


@settings(max_examples=300)
@given(LINES)
def test_any_header_is_read_or_refused(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("header") / "a"
    path.write_bytes("".join(f"{line}\n" for line in ["% evt 3.0", *lines]).encode("utf-8", "surrogatepass") + PAYLOAD)
    _read_or_refuse(path)


@settings(max_examples=300)
@given(st.sampled_from([raw_header("3.0"), raw_header("2.0"), raw_header("2.1"), DAT_HEADER, es_header(1), es_header(2)]),
       st.binary(max_size=400))
def test_any_payload_is_read_or_refused(tmp_path_factory, header, payload):
    path = tmp_path_factory.mktemp("payload") / "a"
    path.write_bytes(header + payload)
    _read_or_refuse(path)


def _read_or_refuse(path):
    try:
        with open_recording(path) as recording:
            t = recording.events().t
            assert np.all(np.diff(t) >= 0)
            assert len(recording.events(0, 0.01)) <= len(t)
    except (FormatError, InputError) as error:
        problem = str(error)
    else:
        return
    assert str(path) in problem
