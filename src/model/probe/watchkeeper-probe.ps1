# Says what the CloudWatch agent on this machine is, runs and has read. It only reads.
#
# The twin of watchkeeper-probe.sh, line by line; the reasons stand there.
$ErrorActionPreference = 'SilentlyContinue'
$root = [string]$env:WATCHKEEPER_PROBE_ROOT
if ($root -eq '') { $data = $env:ProgramData; $programs = $env:ProgramFiles }
else { $data = Join-Path $root 'ProgramData'; $programs = Join-Path $root 'Program Files' }
$base = Join-Path $data 'Amazon\AmazonCloudWatchAgent'
$bin = Join-Path $programs 'Amazon\AmazonCloudWatchAgent'
$ctl = Join-Path $bin 'amazon-cloudwatch-agent-ctl.ps1'
$dir = Join-Path $base 'Configs'

# Keeps at most $most harmless characters.
function Harmless([string]$text, [int]$most) {
    $kept = $text -creplace '[^A-Za-z0-9_.:+ -]', ''
    if ($kept.Length -gt $most) { $kept = $kept.Substring(0, $most) }
    return $kept
}

# The value of a string member of flat JSON.
function Member([string]$text, [string]$name) {
    $found = [regex]::Match($text, '"' + $name + '"\s*:\s*"([^"]*)"')
    if ($found.Success) { return Harmless $found.Groups[1].Value 60 }
    return ''
}

# SHA-256, or - where it cannot be known.
function Hash([string]$path) {
    $file = Get-Item -LiteralPath $path -Force
    if ($null -eq $file -or $file.PSIsContainer -or $file.Length -gt 1048576) { return '-' }
    $sum = (Get-FileHash -LiteralPath $path -Algorithm SHA256).Hash
    if ($null -eq $sum) { return '-' }
    return $sum.ToLowerInvariant()
}

# Seconds since 1970 when a file was last written.
function Written($file) {
    $epoch = New-Object DateTime 1970, 1, 1, 0, 0, 0, ([DateTimeKind]::Utc)
    return [string][long][Math]::Floor(($file.LastWriteTimeUtc - $epoch).TotalSeconds)
}

# A name that is safe to print, or its first forty bytes in hex.
function Plain([string]$name) {
    if ($name.Length -le 80 -and $name -cmatch '^[A-Za-z0-9_.-]+$') { return $name }
    $bytes = [Text.Encoding]::UTF8.GetBytes($name)
    $kept = $bytes[0..([Math]::Min(40, $bytes.Length) - 1)]
    return 'hex:' + (($kept | ForEach-Object { $_.ToString('x2') }) -join '')
}

$installed = 'no'; $status = 'unknown'; $started = ''; $configstatus = ''; $version = ''
if (Test-Path -LiteralPath $ctl -PathType Leaf) {
    $installed = 'yes'
    $version = Harmless ([string](Get-Content -LiteralPath (Join-Path $bin 'CWAGENT_VERSION') -TotalCount 1)) 60
    # In a job of its own, so that a control script that hangs or ends the session does not take us along.
    $job = Start-Job -ScriptBlock { param($script) & $script -a status 2>$null } -ArgumentList $ctl
    $said = ''
    if (Wait-Job -Job $job -Timeout 20) { $said = (Receive-Job -Job $job) -join ' ' } else { Stop-Job -Job $job }
    Remove-Job -Job $job -Force
    $answer = Member $said 'status'
    if ($answer -ceq 'running' -or $answer -ceq 'stopped') { $status = $answer }
    $started = Member $said 'starttime'
    $configstatus = Member $said 'configstatus'
}

$package = 'none'
$packages = Join-Path $data 'Amazon\SSM\Packages'
foreach ($folder in @(Get-ChildItem -LiteralPath $packages -Force | Where-Object { $_.Name -like '*amazoncloudwatchagent*' })) {
    $state = Join-Path $folder.FullName 'installstate'
    $found = Member ([string](Get-Content -LiteralPath $state -TotalCount 20)) 'lastinstalledversion'
    if ($found -ne '') { $package = $found }
}

$toml = 'none'
$file = Get-Item -LiteralPath (Join-Path $base 'amazon-cloudwatch-agent.toml') -Force
if ($null -ne $file) { $toml = Written $file }
$json = 'none'
$path = Join-Path $base 'amazon-cloudwatch-agent.json'
if (Test-Path -LiteralPath $path) { $json = Hash $path }

$files = 0; $tmp = 0; $shown = 0; $used = 0; $full = $false; $list = ''
$names = [string[]]@(Get-ChildItem -LiteralPath $dir -Force | Where-Object { -not $_.PSIsContainer } | ForEach-Object { $_.Name })
[Array]::Sort($names, [StringComparer]::Ordinal)
foreach ($name in $names) {
    if ($name.EndsWith('.tmp')) { $tmp++; continue }
    $files++
    if ($full -or $shown -ge 100) { continue }
    $path = Join-Path $dir $name
    $line = 'file=' + (Plain $name) + ' ' + (Hash $path) + ' ' + (Written (Get-Item -LiteralPath $path -Force))
    $used += $line.Length + 1
    if ($used -gt 1900) { $full = $true; continue }
    $shown++
    $list += $line + "`n"
}

$verdict = "watchkeeper-probe=1 installed=$installed status=$status files=$files tmp=$tmp"
$text = "$verdict`nversion=$version`npackage=$package`nstarted=$started`nconfigstatus=$configstatus`ntoml=$toml`njson=$json`n$list"
[Console]::Out.Write($text + 'more=' + ($files - $shown) + "`nend=watchkeeper-probe`n")
exit 0
