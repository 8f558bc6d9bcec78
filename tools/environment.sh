# Makes or updates the virtual environment named by the first argument from the lock. Says in one line what is missing.
set -eu
venv=$1

if ! "$venv/bin/python" -c '' 2>/dev/null; then
    python=
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "Python 3.11 or later is missing: install it, or name it with 'make book PYTHON=/path/to/python'." >&2
        exit 1
    fi
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        echo "Python's venv module is missing: on Debian and Ubuntu, 'sudo apt install python3-venv'." >&2
        exit 1
    fi
    echo "Installing $(grep -c == requirements.txt) packages into $venv with $("$python" --version): a minute or two, once."
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi

pip="$venv/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --no-compile"
if ! $pip --requirement requirements.txt; then
    echo "The packages could not be installed: this needs the network (what failed is above)." >&2
    exit 1
fi
$pip --no-build-isolation --editable .

# pip would compile the packages one file at a time, and not at all where the environment forbids Python to keep what
# it compiled: each process would then compile again whatever it imports, for seconds.
"$venv/bin/python" -m compileall -qq -j 0 "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" || true
