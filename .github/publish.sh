#!/usr/bin/env bash
# publish.sh [FOLDER]: puts _build/html on the branch gh-pages: at its root, or below FOLDER, which a release keeps.
# The branch has one commit, so that it does not grow with every build. Pages has to be set to deploy from this branch.
set -euo pipefail
folder=${1:-}
site=$PWD/_build/html
[ -f "$site/index.html" ] || { echo "There is no site in $site: build the book first." >&2; exit 1; }
case $folder in "" | v[0-9]*) ;; *) echo "A folder is named like a release, v1.2.3, got '$folder'." >&2; exit 1 ;; esac
case $folder in */*) echo "A folder has no slash in its name, got '$folder'." >&2; exit 1 ;; esac

work=$(mktemp -d)
trap 'git worktree remove --force "$work"' EXIT
git worktree add --quiet --detach "$work"
cd "$work"
git checkout --quiet --orphan "published-$$"
git rm --quiet -rf .
if git fetch --quiet origin gh-pages 2>/dev/null; then
    git checkout --quiet FETCH_HEAD -- .
fi
if [ -z "$folder" ]; then
    find . -mindepth 1 -maxdepth 1 ! -name .git ! -name 'v[0-9]*' -exec rm -rf {} +
    cp -R "$site/." .
else
    rm -rf "$folder"
    mkdir "$folder"
    cp -R "$site/." "$folder"
fi
touch .nojekyll # or folders whose names begin with an underscore would not be served
git add --all --force
git -c user.name="The book" -c user.email="book@users.noreply.github.com" commit --quiet --message "The site${folder:+ of $folder}"
git push --quiet --force origin HEAD:gh-pages
echo "Published${folder:+ $folder}."
