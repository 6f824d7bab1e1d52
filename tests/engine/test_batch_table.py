"""Tables of jobs in the forms that spreadsheets and people give them, and names of rasters in them."""

import codecs
import zipfile

import numpy as np
import pytest
import rasterio

from engine.contract.batch_table import beside
from engine.contract.errors import InputError
from engine.run.batch import read_jobs


def read(tmp_path, content, encoding="utf-8"):
    path = tmp_path / "jobs.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return read_jobs(path, tmp_path / "out", {})


PLAIN = [("before", "after"), ("b.tif", "a.tif")]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "head",
    [
        lambda mark: mark.join(["Before", "AFTER", "Threshold", "Before_Bands"]),
        lambda mark: mark.join([" before", "after ", " threshold", "before_bands "]),
        lambda mark: mark.join(['"before"', ' "after"', '"threshold"', '"before_bands"']),
        lambda mark: f"sep={mark}\nbefore{mark}after{mark}threshold{mark}before_bands",
        lambda mark: f"\n\nbefore{mark}after{mark}threshold{mark}before_bands",
    ],
)
def test_the_usual_forms_are_read_alike(tmp_path, separator, end, encoding, head):
    cells = ["Straße.tif", " a.tif ", '"0,7"', '"3,2,1"']
    lines = [head(separator), separator.join(cells), separator * 3, separator.join(["c.tif", "d.tif", "0.25", '" 4 ; 3 ; 2"']) + separator]
    first, second = read(tmp_path, "\n".join(lines).replace("\n", end) + end, encoding)
    assert (first.request.before, first.request.after) == (str(tmp_path / "Straße.tif"), str(tmp_path / "a.tif"))
    assert (first.request.threshold, first.request.before_bands) == (0.7, (3, 2, 1))
    assert (second.request.threshold, second.request.before_bands) == (0.25, (4, 3, 2))
    assert second.line == first.line + 2 == len("\n".join(lines).split("\n"))


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("resolution", "0,5", 0.5),
        ("resolution", "model", "model"),
        ("max_nodata", "0,25", 0.25),
        ("extent", "1,5 2,25 3,5 4,75", (1.5, 2.25, 3.5, 4.75)),
        ("extent", "1,5; 2; 3,5; 4", (1.5, 2, 3.5, 4)),
        ("extent", "1,2,3,4", (1, 2, 3, 4)),
        ("extent", "1, 2, 3, 4", (1, 2, 3, 4)),
        ("extent", "-1.5,-2,3.5,4", (-1.5, -2, 3.5, 4)),
        ("seed", "12", 12),
        ("output", "0,5 m.gpkg", None),
    ],
)
def test_decimal_commas_are_points(tmp_path, column, text, value):
    (job,) = read(tmp_path, f'before;after;{column}\nb.tif;a.tif;"{text}"\n')
    assert job.output.name == text if value is None else getattr(job.request, column) == value


def test_columns_without_a_name_must_be_empty(tmp_path):
    assert len(read(tmp_path, "before,after,\nb.tif,a.tif,\nc.tif,d.tif\n")) == 2
    with pytest.raises(InputError, match="line 2: 'x' in column 3, which has no name"):
        read(tmp_path, "before,after,\nb.tif,a.tif,x\n")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("before:after\nb.tif:a.tif\n", "no column before, after.*taken to be separated by commas"),
        ("before;after;colour\n", "unknown columns colour.*separated by semicolons"),
        ("before,after,Before\nb,a,b\n", "twice the columns before"),
        ("before;after;threshold\nb.tif;a.tif;0;7\n", "line 2: more cells than columns.*quote cells that hold semicolons"),
        ("before,after,threshold\nb.tif,a.tif,0,7\n", "line 2: more cells than columns.*quote cells that hold commas"),
        ("before;after;threshold\nb.tif;a.tif;0,7,1\n", "line 2: threshold = '0,7,1'"),
        ("before,after\nStraße.tif,a.tif\n".encode("latin-1"), "CSV table in UTF-8.*save it"),
        (codecs.BOM_UTF16_LE + b"b\x00e\x00f", "CSV table in UTF-8"),
        (b"", "no column before, after"),
        (b"\n\n", "no column before, after"),
        (b'before,after\n"' + b"x" * 200_000, "cannot be read|line 2"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path, content, match):
    with pytest.raises(InputError, match=match):
        read(tmp_path, content)


@pytest.fixture
def folder(tmp_path):
    for name in ("a.nc", "b c.tif", "sub/d.h5", "odd:name.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as packed:
        packed.writestr("in/side.tif", b"")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("b c.tif", "{}/b c.tif"),
        ("missing.tif", "{}/missing.tif"),
        ("odd:name.tif", "{}/odd:name.tif"),
        ('NETCDF:"a.nc":Band1', 'NETCDF:"{}/a.nc":Band1'),
        ("NETCDF:a.nc:Band1", "NETCDF:{}/a.nc:Band1"),
        ('HDF5:"sub/d.h5"://group/band', 'HDF5:"{}/sub/d.h5"://group/band'),
        ("HDF5:sub/d.h5://group/band", "HDF5:{}/sub/d.h5://group/band"),
        ('HDF4_EOS:EOS_GRID:"a.nc":grid:band', 'HDF4_EOS:EOS_GRID:"{}/a.nc":grid:band'),
        ("GTIFF_DIR:2:b c.tif", "GTIFF_DIR:2:{}/b c.tif"),
        ("GTIFF_DIR:1:odd:name.tif", "GTIFF_DIR:1:{}/odd:name.tif"),
        ("vrt://b c.tif?bands=3,2,1", "vrt://{}/b c.tif?bands=3,2,1"),
        ("/vsizip/z.zip/in/side.tif", "/vsizip/{}/z.zip/in/side.tif"),
        ('NETCDF:"missing.nc":Band1', 'NETCDF:"missing.nc":Band1'),
        ("NETCDF:/data/x.nc:Band1", "NETCDF:/data/x.nc:Band1"),
        ("https://example.org/a.nc", "https://example.org/a.nc"),
        ("/vsicurl/https://example.org/a.nc", "/vsicurl/https://example.org/a.nc"),
        ("C:/data/a.nc", "C:/data/a.nc"),
        ("/data/x.tif", "/data/x.tif"),
        ("x" * 300 + ".tif", "{}/" + "x" * 300 + ".tif"),
    ],
)
def test_names_are_relative_to_the_table_also_inside_gdals_own(folder, path, expected):
    assert beside(folder, path) == expected.format(folder)


def test_a_subdataset_of_a_table_elsewhere_is_opened(tmp_path, monkeypatch):
    """As GDAL opens it: a page of a TIFF, from another folder than the table's."""
    pixels = np.arange(16, dtype="uint8").reshape(1, 4, 4)
    with rasterio.open(tmp_path / "pages.tif", "w", driver="GTiff", height=4, width=4, count=1, dtype="uint8", crs=4326) as out:
        out.write(pixels)
    monkeypatch.chdir("/")
    (job,) = read(tmp_path, "before,after\nGTIFF_DIR:1:pages.tif,vrt://pages.tif?bands=1\n")
    for path in (job.request.before, job.request.after):
        with rasterio.open(path) as dataset:
            assert (dataset.read() == pixels).all()
